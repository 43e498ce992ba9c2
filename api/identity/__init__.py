"""Who is asking: users, passwords, sessions, what a role may see, and the gate in front of every page and route."""

"""The parts of the season planner: what is asked, what it is planned from, how it is drawn."""

"""How each kind of block asks for its figures and draws them."""

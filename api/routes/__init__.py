"""The HTTP routes, one module per resource. A route reads the request, asks a service, answers."""

"""The floor that joins the floors below: tracing of Python functions, and what needs several of them at once."""

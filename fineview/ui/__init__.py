"""The window. Shows results and hands over configurations; computes nothing."""

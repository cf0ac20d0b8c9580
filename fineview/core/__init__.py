"""Everything that computes: no Qt, no threads, no globals; usable from a notebook or a cluster."""

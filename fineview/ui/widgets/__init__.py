"""Small controls; they know nothing of jobs."""

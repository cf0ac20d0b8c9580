"""The bridge between window and compute: jobs, mailboxes, lanes, cycle collector."""

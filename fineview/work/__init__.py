"""The bridge between window and compute: jobs, mailboxes, two lanes, cycle collector."""

"""Tasks: labelled texts, what is asked of them, and how they are split."""

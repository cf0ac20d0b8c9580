"""Hidden states of a frozen encoder: extracted once, kept on disk, pooled in milliseconds."""

"""What the features panel asks of the laboratory: maps of layers and texts, senses, masking."""

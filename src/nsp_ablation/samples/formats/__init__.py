"""The input formats, a file each: from a token store to the samples of an epoch. Entry: `registry.make_format`."""

"""Compiled loops of the formats over sentences and documents."""

"""What a format feeds the model, as rows, in the terminal, as a figure. Entries: `contract`, `inspect_terminal`,
`formats_figure`.
"""

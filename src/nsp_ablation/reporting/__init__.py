"""What came out of the runs, and what it says; never torch. Entries: records, analysis, render, dashboards."""

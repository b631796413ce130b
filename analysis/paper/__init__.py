"""Tables, figures and words of a report in the forms that a paper takes: LaTeX and CSV, PDF in column widths, a report as pages."""

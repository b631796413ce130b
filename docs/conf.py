"""Sphinx's settings, and what `infra.documentation` generates handed to it. `make docs` builds the site into docs/_site."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infra.documentation.docstrings import restructured
from infra.documentation.generated import filled

project = "generative-robustness"
author = "the authors of generative-robustness"
copyright = author
html_title = project

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_site", "*_study"]
source_suffix = {".md": "markdown"}
root_doc = "index"

myst_heading_anchors = 4  # GitHub's, so that a link works on both
myst_url_schemes = ["http", "https", "mailto"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
default_role = "literal"
add_module_names = False

html_theme = "furo"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"top_of_page_buttons": []}
html_static_path = ["_static"]
html_css_files = ["wide.css"]
pygments_style = "friendly"


def setup(app):
    """Has Sphinx read pages with what is generated, and docstrings as this project writes them."""
    app.connect("source-read", _fill)
    app.connect("autodoc-process-docstring", _restructure)
    app.connect("autodoc-process-signature", _parsed)
    return {"parallel_read_safe": True}


def _fill(app, name, content):
    content[0] = filled(content[0])


def _restructure(app, what, name, part, options, lines):
    lines[:] = restructured("\n".join(lines))


def _parsed(app, what, name, part, options, signature, returned):
    # A default that a dataclass makes is printed as what is no Python, and Sphinx then shows all of it raw.
    return (signature and signature.replace("<factory>", "..."), returned)

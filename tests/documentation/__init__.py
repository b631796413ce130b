"""Tests of the documentation: what pages say, and what is generated for them."""

"""Images as their publishers' files hold them: where these are looked for, how each format is read, and what is prepared of them."""

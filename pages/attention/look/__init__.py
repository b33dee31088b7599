"""All attention of a picture at once, to be explored without asking the server again."""

"""Mail: messages to people on their way to the mail server, and trying that server out."""

"""Messages to people about their accounts: written with what they tell of, sent by `mail`."""

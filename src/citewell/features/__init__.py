"""The features of Citewell, one package each."""

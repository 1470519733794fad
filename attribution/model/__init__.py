"""The vocabulary of the program: frozen values of the standard library, imported by every stage."""

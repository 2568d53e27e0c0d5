"""The command line: parsing and printing only, one thin module a verb."""

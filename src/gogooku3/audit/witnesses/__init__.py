"""One witness a stage."""

"""The sections of the Administration view; all of them read and write through the API."""

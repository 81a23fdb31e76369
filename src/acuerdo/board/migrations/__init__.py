"""Steps from one form of the scenario library to the next, run by Alembic when a library is opened."""

"""Alembic runs this to migrate a library; the connection comes from `acuerdo.board.shelf`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()

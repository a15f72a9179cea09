"""Everything that stands in a database, as text."""

from storage.database import connect

_TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


async def everything_in(dsn: str) -> str:
    """Every row of every table, bytes as hexadecimal."""
    connection = await connect(dsn)
    try:
        await connection.execute("SET lock_timeout = '10s'")
        tables = [row[0] for row in await connection.fetch(_TABLES)]
        texts = [
            row[0] for table in tables for row in await connection.fetch(f"SELECT t::text FROM {table} AS t")
        ]
    finally:
        await connection.close()
    return "\n".join(texts)

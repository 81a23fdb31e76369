"""The model of the corridor: equations by sector."""

from acuerdo.corridors.us_mexico.model import asylum, cooperation, migration, opioids, pathways, security, trade

SECTORS = [
    cooperation.sector,
    pathways.sector,
    asylum.sector,
    migration.sector,
    trade.sector,
    opioids.sector,
    security.sector,
]

"""The statement by which a draft runs beside the live model: it writes shadow scores, and nothing else."""

from typing import Final

# Parameters beside those of the judged accounts: tenant, as_of, version, now.
_WRITE: Final = """,
latest AS (
    SELECT DISTINCT ON (s.account_id) s.account_id, s.score, s.band, s.coverage
    FROM health_shadowscore s
    WHERE s.tenant_id = %(tenant)s AND s.model_version_id = %(version)s AND s.as_of <= %(as_of)s::date
    ORDER BY s.account_id, s.as_of DESC
)
INSERT INTO health_shadowscore (tenant_id, model_version_id, account_id, as_of, score, band, coverage, computed_at)
SELECT %(tenant)s, %(version)s, j.account_id, %(as_of)s::date, j.score, j.band, j.coverage, %(now)s
FROM judged j LEFT JOIN latest l ON l.account_id = j.account_id
WHERE l.account_id IS NULL OR (l.score, l.band, l.coverage) IS DISTINCT FROM (j.score, j.band, j.coverage)
ON CONFLICT DO NOTHING"""


def shadow_sql(judged: str) -> str:
    """The judged accounts as shadow scores, where they differ from the draft's last ones."""
    return judged + _WRITE

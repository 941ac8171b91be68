FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 REVOPS_LOCAL=0
WORKDIR /app

COPY requirements/base.txt requirements/base.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/base.txt

COPY . .
# Static files need settings to load, not the services these values name.
RUN SECRET_KEY=only-to-collect-static-files-in-the-image DATABASE_URL=postgresql://none/none REDIS_URL=redis://none \
    python manage.py collectstatic --no-input --verbosity 0 \
    && useradd --system --home /app revops && mkdir -p var/media && chown -R revops var

USER revops
EXPOSE 8000
CMD ["sh", "-c", "exec python -m gunicorn revops.wsgi:application --bind 0.0.0.0:8000 --workers ${WEB_WORKERS:-2} --threads 4 --worker-tmp-dir /dev/shm"]

# Airflow 3.3.2 with this project in it, and each package as requirements.lock has it. Pipelines are not in the image: they
# are mounted. Not Airflow's own image: the lock would replace packages there that Airflow's constraints chose.
FROM python:3.12-slim-bookworm

# It runs with any user id and always with group 0, so the group is what may write. The folders are mount points of the
# volumes in docker-compose.yaml: a new named volume takes over owner and mode from here.
ENV AIRFLOW_HOME=/opt/airflow HOME=/home/airflow USER=airflow PYTHONUNBUFFERED=1
RUN useradd --uid 50000 --gid 0 --no-create-home airflow \
 && install -d -o airflow -g 0 -m 0775 \
      /home/airflow \
      /opt/airflow \
      /opt/airflow/pipelines \
      /opt/airflow/logs \
      /opt/airflow/warehouse \
      /opt/airflow/xcom \
      /opt/airflow/bundles \
      /opt/airflow/bundles/_tracking

# Dependencies first: this layer is built again only when they change, not with every edit of the code.
# The pattern after the lock file matches requirements-extra.txt where there is one, and else nothing.
WORKDIR /build
COPY pyproject.toml requirements.lock requirements-extra.tx[t] ./
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
extras = project['optional-dependencies']; \
names = ('airflow', 'celery', 'chart', 'duckdb', 'load'); \
print(*project['dependencies'], *(line for name in names for line in extras[name]), sep='\n')" > requirements.txt \
 && touch requirements-extra.txt \
 && pip install --no-cache-dir --constraint requirements.lock \
      --requirement requirements.txt --requirement requirements-extra.txt

COPY README.md LICENSE pipeline_factory.py ./
COPY schemas ./schemas
COPY factory ./factory
# What every process will import: an image that lacks it fails here, not in a running cluster.
RUN pip install --no-cache-dir --no-deps . \
 && cd / \
 && rm -r /build/* \
 # A home that is thrown away: the first import writes an airflow.cfg with keys, which must not be in an image.
 && export AIRFLOW_HOME="$(mktemp -d)" \
 && python -c "import factory.bundle.pipeline_bundle, airflow.providers.celery.executors.celery_executor, psycopg2, redis, dlt, duckdb, vl_convert" \
 && rm -r "$AIRFLOW_HOME"

USER airflow
WORKDIR /opt/airflow
# What one user id writes into a volume, another one can change later.
ENTRYPOINT ["sh", "-c", "umask 0002 && exec \"$@\"", "--"]

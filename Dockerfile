# Airflow 3.3.2 with this project in it. Pipelines are not in the image: they are mounted.
FROM apache/airflow:3.3.2

USER root
# Mount points of the volumes in docker-compose.yaml. A new named volume takes over owner and mode from here.
# Airflow's image runs with any user id and always with group 0, so the group is what may write.
RUN install -d -o airflow -g 0 -m 0775 \
      /opt/airflow/build \
      /opt/airflow/pipelines \
      /opt/airflow/warehouse \
      /opt/airflow/xcom \
      /opt/airflow/bundles \
      /opt/airflow/bundles/_tracking
USER airflow

# Dependencies first: this layer is built again only when they change, not with every edit of the code.
# The pattern after the lock file matches requirements-extra.txt where there is one, and else nothing.
COPY --chown=airflow:0 pyproject.toml requirements.lock requirements-extra.tx[t] /opt/airflow/build/
WORKDIR /opt/airflow/build
RUN python -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
extras = project['optional-dependencies']; \
names = ('airflow', 'celery', 'chart', 'duckdb', 'load'); \
print(*project['dependencies'], *(line for name in names for line in extras[name]), sep='\n')" > requirements.txt \
 && touch requirements-extra.txt \
 && pip install --no-cache-dir --constraint requirements.lock \
      --requirement requirements.txt --requirement requirements-extra.txt

COPY --chown=airflow:0 README.md LICENSE pipeline_factory.py ./
COPY --chown=airflow:0 schemas ./schemas
COPY --chown=airflow:0 factory ./factory
# What every process will import: an image that lacks it fails here, not in a running cluster.
RUN pip install --no-cache-dir --no-deps . \
 && cd / \
 && rm -r /opt/airflow/build \
 # A home that is thrown away: the first import writes an airflow.cfg with keys, which must not be in an image.
 && export AIRFLOW_HOME="$(mktemp -d)" \
 && python -c "import factory.bundle.pipeline_bundle, airflow.providers.celery.executors.celery_executor, psycopg2, redis, dlt, duckdb, vl_convert" \
 && rm -r "$AIRFLOW_HOME"
WORKDIR /opt/airflow

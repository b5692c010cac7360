"""The HTTP poller without Airflow: one request, its pages, what is expected of them, and what it remembers.

The way in: `factory.http.poll`.
"""

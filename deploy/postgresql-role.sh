#!/bin/sh
# Run once, when PostgreSQL makes its data base: a role for the service that owns one data base.
set -eu
psql --set=ON_ERROR_STOP=1 --username=postgres --quiet \
  --set=password="$(cat "${CASES_PASSWORD_FILE:-/run/secrets/cases_password}")" <<'SQL'
CREATE ROLE lightkeeper LOGIN PASSWORD :'password';
CREATE DATABASE cases OWNER lightkeeper ENCODING 'UTF8' TEMPLATE template0;
REVOKE CONNECT ON DATABASE cases FROM PUBLIC;
SQL

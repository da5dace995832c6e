"""Running logbucket: a real Airflow on one machine, and the images and services of a deployment."""

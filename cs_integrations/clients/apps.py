from django.apps import AppConfig


class ClientsConfig(AppConfig):
    name = "cs_integrations.clients"
    label = "clients"
    verbose_name = "API clients and users"

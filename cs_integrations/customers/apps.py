from django.apps import AppConfig


class CustomersConfig(AppConfig):
    name = "cs_integrations.customers"
    label = "customers"
    verbose_name = "Customers"

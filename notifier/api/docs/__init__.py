"""The API's page for people: written here from the OpenAPI document, with nothing from elsewhere and no script."""

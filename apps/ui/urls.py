"""Routes below /-/."""

from django.urls import path

from apps.ui import views

app_name = "ui"
urlpatterns = [path("patterns", views.patterns_view, name="patterns")]

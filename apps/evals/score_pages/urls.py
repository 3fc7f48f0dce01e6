"""The pages of scores, below /p/<project slug>/scores/."""

from django.urls import path

from apps.evals.score_pages import views

app_name = "scores"
urlpatterns = [
    path("", views.names_view, name="names"),
    path("trend/", views.score_view, name="score"),
]

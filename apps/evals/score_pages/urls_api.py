"""JSON routes of the pages of scores, below /api/v1/. Before /scores/<id>, which would take them for ids."""

from django.urls import path

from apps.evals.score_pages import api

urlpatterns = [
    path("scores/names", api.ScoreNamesView.as_view(), name="api-score-names"),
    path("scores/trend", api.ScoreTrendView.as_view(), name="api-score-trend"),
]

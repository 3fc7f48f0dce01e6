"""The page of GPUs, below /p/<project slug>/gpu/."""

from django.urls import path

from apps.gpu import views

app_name = "gpu"
urlpatterns = [path("", views.gpu_view, name="gpu")]

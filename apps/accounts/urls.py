"""Settings pages, below /settings/."""

from django.urls import path

from apps.accounts import member_views, views

app_name = "accounts"
urlpatterns = [
    path("projects/", views.project_list_view, name="projects"),
    path("projects/<slug:project>/", views.project_view, name="project"),
    path("projects/<slug:project>/delete/", views.project_delete_view, name="project-delete"),
    path("projects/<slug:project>/keys/", views.key_list_view, name="keys"),
    path("projects/<slug:project>/keys/<int:key>/revoke/", views.key_revoke_view, name="key-revoke"),
    path("organisations/", views.organisation_create_view, name="organisation-create"),
    path("organisations/<slug:organisation>/projects/", views.project_create_view, name="project-create"),
    path("organisations/<slug:organisation>/members/", member_views.member_list_view, name="members"),
    path(
        "organisations/<slug:organisation>/members/<int:member>/role/",
        member_views.member_role_view,
        name="member-role",
    ),
    path(
        "organisations/<slug:organisation>/members/<int:member>/remove/",
        member_views.member_remove_view,
        name="member-remove",
    ),
    path(
        "organisations/<slug:organisation>/invitations/<int:invitation>/withdraw/",
        member_views.invitation_withdraw_view,
        name="invitation-withdraw",
    ),
    path("invitations/<str:token>/", member_views.invitation_view, name="invitation"),
]

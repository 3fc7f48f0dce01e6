"""Who asks: browsers that are signed in, applications with a key, and what each of them may see."""

from collections.abc import Iterable

from django.test import Client

from apps.accounts import services
from apps.accounts.models import Project, Role, User
from tests.conftest import People

__all__ = ["assert_members_alone_see", "holding_a_key", "signed_in", "viewer_of"]


def signed_in(user: User) -> Client:
    """A browser of this person's."""
    client = Client()
    client.force_login(user)
    return client


def holding_a_key(project: Project) -> Client:
    """An application with a key of this project."""
    secret = services.key_issue(project=project, name="k", created_by=None).secret
    return Client(headers={"authorization": f"Bearer {secret}"})


def viewer_of(people: People) -> User:
    """Somebody who may look at Alice's project and change nothing."""
    viewer = User.objects.create_user(email="viewer@example.org", password=None)
    services.membership_add(organisation=people.acme, user=viewer, role=Role.VIEWER)
    return viewer


def assert_members_alone_see(people: People, paths: Iterable[str]) -> None:
    """To members each is there, to an outsider none is."""
    wanted = list(paths)
    for user, status in ((people.alice, 200), (people.bob, 200), (people.outsider, 404)):
        client = signed_in(user)
        for path in wanted:
            assert client.get(path).status_code == status, (user, path)

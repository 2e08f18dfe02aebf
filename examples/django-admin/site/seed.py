"""Makes the accounts of the example, or puts them back as they were."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.contrib.auth.models import Permission, User  # noqa: E402


def account(name, password, **rights):
    user, _ = User.objects.get_or_create(username=name)
    user.email = f"{name}@example.test"
    for right, value in rights.items():
        setattr(user, right, value)
    user.set_password(password)
    user.save()
    return user


account("admin", "Admin-pass-1!", is_staff=True, is_superuser=True)
alice = account("alice", "Alice-pass-1!", is_staff=True)
alice.user_permissions.set(Permission.objects.filter(codename="view_user"))
for number in range(5):
    account(f"victim{number}", "Victim-pass-1!")

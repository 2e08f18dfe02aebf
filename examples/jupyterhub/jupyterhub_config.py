"""JupyterHub with accounts of an OpenID provider. Started by `jupyterhub` in this folder."""

import os

c = get_config()  # noqa: F821

issuer = os.environ["OIDC_ISSUER"]
c.JupyterHub.authenticator_class = "generic-oauth"
c.GenericOAuthenticator.client_id = os.environ["OIDC_CLIENT_ID"]
c.GenericOAuthenticator.client_secret = os.environ["OIDC_CLIENT_SECRET"]
c.GenericOAuthenticator.authorize_url = f"{issuer}/auth"
c.GenericOAuthenticator.token_url = f"{issuer}/token"
c.GenericOAuthenticator.userdata_url = f"{issuer}/me"
c.GenericOAuthenticator.scope = ["openid"]
c.GenericOAuthenticator.username_claim = "sub"
# The address that people see is Stepgate's.
c.GenericOAuthenticator.oauth_callback_url = os.environ["PUBLIC_URL"] + "/hub/oauth_callback"
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"alice"}
c.JupyterHub.bind_url = os.environ.get("BIND_URL", "http://127.0.0.1:8000")

"""Signatures, against the example of the specification."""

import base64
import hashlib
import hmac

from citewell.features.webhooks.signing import PREFIX, new_secret, signature_headers


class TestSignature:
    def test_is_that_of_the_specifications_example(self) -> None:
        # From the reference implementation's tests (standard-webhooks, libraries/python).
        secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        headers = signature_headers(
            "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [secret]
        )
        assert headers == {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }

    def test_each_secret_signs(self) -> None:
        secrets = [new_secret(), new_secret()]
        headers = signature_headers("m", 1, b"{}", secrets)
        for secret, signature in zip(secrets, headers["webhook-signature"].split(" "), strict=True):
            key = base64.b64decode(secret.removeprefix(PREFIX))
            assert len(key) == 32
            expected = hmac.digest(key, b"m.1.{}", hashlib.sha256)
            assert signature == f"v1,{base64.b64encode(expected).decode()}"

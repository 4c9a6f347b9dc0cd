from local_aws_tests.cognito.user_pool_harness import EMAIL, UserPoolHarness
from local_aws_tests.event_shape import assert_as_published


def test_the_event_of_each_trigger_has_the_keys_of_aws(harness: UserPoolHarness) -> None:
    for trigger, version in (
        ("PreSignUp", None),
        ("PostConfirmation", None),
        ("PreTokenGeneration", "V2_0"),
    ):
        harness.deploy(trigger, lambda event: event, *([version] if version else []))
    metadata = {"consent": "v3"}
    harness.sign_up(ValidationData=[{"Name": "captcha", "Value": "42"}], ClientMetadata=metadata)
    harness.public.confirm_sign_up(
        ClientId=harness.client_id,
        Username=EMAIL,
        ConfirmationCode=harness.code(EMAIL),
        ClientMetadata=metadata,
    )
    harness.sign_in()
    for trigger, event in zip(
        ("PreSignUp", "PostConfirmation", "PreTokenGeneration"), harness.events, strict=True
    ):
        assert_as_published(trigger, event)

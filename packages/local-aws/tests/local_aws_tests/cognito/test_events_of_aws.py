from local_aws_tests.cognito.world import EMAIL, World
from local_aws_tests.event_shape import assert_as_published


def test_the_event_of_each_trigger_has_the_keys_of_aws(world: World) -> None:
    for trigger, version in (
        ("PreSignUp", None),
        ("PostConfirmation", None),
        ("PreTokenGeneration", "V2_0"),
    ):
        world.deploy(trigger, lambda event: event, *([version] if version else []))
    metadata = {"consent": "v3"}
    world.sign_up(ValidationData=[{"Name": "captcha", "Value": "42"}], ClientMetadata=metadata)
    world.public.confirm_sign_up(
        ClientId=world.client_id,
        Username=EMAIL,
        ConfirmationCode=world.code(EMAIL),
        ClientMetadata=metadata,
    )
    world.sign_in()
    for trigger, event in zip(
        ("PreSignUp", "PostConfirmation", "PreTokenGeneration"), world.events, strict=True
    ):
        assert_as_published(trigger, event)

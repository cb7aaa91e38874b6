# Copyright: (c) 2026, the certops.acm authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Principals with their policies, and what IAM is to answer them: what a task needs, and what nobody may gain by it."""

from __future__ import annotations

from typing import Any, NamedTuple

from .documents import ACCOUNT, KEY, OTHER, REGION, SIGNING_KEY, document

STAR = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
IAM_OF_THEIRS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:*", "Resource": "*"}]}

BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/certops-acm/certops-acm-boundary"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/certops-acm/certops-acm-DeliveryRole-1A2B"
ELSEWHERE = f"arn:aws:iam::{ACCOUNT}:role/certops-acm-DeliveryRole-1A2B"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/admin"
EVERYTHING = "arn:aws:iam::aws:policy/AdministratorAccess"
FOREIGN_BUS = f"arn:aws:events:{REGION}:999988887777:event-bus/default"
SIGNATURE = {"kms:MessageType": "RAW", "kms:SigningAlgorithm": "ECDSA_SHA_256"}
BOUNDED = {"iam:PermissionsBoundary": BOUNDARY}
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:certops/acm/{ACCOUNT}/1-AbCdEf"
CERTIFICATE = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/certops-acm-inventory"
HUB = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"


def events(resource: str) -> str:
    return f"arn:aws:events:{REGION}:{ACCOUNT}:{resource}"


def regional(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def stack(name: str) -> str:
    return regional("cloudformation", f"stack/{name}/00000000-0000-4000-8000-000000000000")


class Who(NamedTuple):
    """A principal with its policies; ``tag`` is its own value of ``Role``."""

    policies: list[dict[str, Any]]
    boundary: dict[str, Any] | None = None
    account: str = ACCOUNT
    tag: str = ""


DEPLOYER = [document("controller/DeployerPolicy"), document("controller/HubDeployerPolicy")]
CERTIFICATES = document("member/CertificatesPolicy")
WHO = {
    "deployer": Who(DEPLOYER),
    "deployer with iam:* besides": Who([*DEPLOYER, IAM_OF_THEIRS]),
    "deployer of a member": Who([document("member/DeployerPolicy")], account=OTHER),
    "bounded role": Who([STAR], document("controller/BoundaryPolicy")),
    "bounded role of a member": Who([STAR], document("member/BoundaryPolicy"), OTHER),
    "controller": Who(
        [document(f"controller/{name}") for name in ("CertificatesPolicy", "HostsPolicy", "ControllerPolicy")]
    ),
    "controller of hosts by Service": Who([document("service/CertificatesPolicy")]),
    "role certops": Who([CERTIFICATES], CERTIFICATES, OTHER),
    "role certops, given everything": Who([CERTIFICATES, STAR], CERTIFICATES, OTHER),
    "role certops-hosts, given everything": Who([STAR], document("member/HostsPolicy"), OTHER),
    "host": Who([document("Host")], tag="web"),
    "host without the tag": Who([document("Host")]),
    "doctor": Who([document("Doctor")]),
    "who makes the table": Who([document("MakeInventory"), document("MakeInventoryWithKey")]),
    "who changes targets": Who([document("controller/SigningPolicy")]),
    "poller": Who([document("TakeRenewals")]),
}

Case = tuple[str, str, str, dict[str, Any], bool]
ALLOWED, DENIED = True, False

CASES: list[Case] = [
    # What the stacks of the deployer need
    ("deployer", "cloudformation:CreateStack", stack("certops-acm"), {}, ALLOWED),
    ("deployer", "cloudformation:UpdateStack", stack("certops-acm-member"), {}, ALLOWED),
    ("deployer", "iam:CreateRole", ROLE, BOUNDED, ALLOWED),
    ("deployer", "iam:PutRolePolicy", ROLE, BOUNDED, ALLOWED),
    ("deployer", "iam:UpdateAssumeRolePolicy", ROLE, BOUNDED, ALLOWED),
    ("deployer", "iam:DeleteRolePolicy", ROLE, BOUNDED, ALLOWED),
    ("deployer", "iam:DeleteRole", ROLE, BOUNDED, ALLOWED),
    ("deployer", "iam:PutRolePermissionsBoundary", ROLE, BOUNDED, ALLOWED),
    ("deployer", "iam:GetRole", ROLE, {}, ALLOWED),
    ("deployer", "iam:PassRole", ROLE, {"iam:PassedToService": "events.amazonaws.com"}, ALLOWED),
    ("deployer", "events:PutRule", events("rule/certops-acm-renewals"), {}, ALLOWED),
    ("deployer", "events:CreateConnection", events("connection/certops-acm-awx/*"), {}, ALLOWED),
    ("deployer", "events:CreateApiDestination", events("api-destination/certops-acm-awx/*"), {}, ALLOWED),
    ("deployer", "events:PutPermission", "*", {}, ALLOWED),
    ("deployer", "events:RemovePermission", "*", {}, ALLOWED),
    ("deployer", "sns:Unsubscribe", "*", {}, ALLOWED),
    ("deployer", "sns:GetSubscriptionAttributes", "*", {}, ALLOWED),
    ("deployer", "sns:CreateTopic", regional("sns", "certops-acm-AlertTopic-1A"), {}, ALLOWED),
    ("deployer", "sqs:CreateQueue", regional("sqs", "certops-acm-Queue-1A"), {}, ALLOWED),
    (
        "deployer",
        "secretsmanager:CreateSecret",
        regional("secretsmanager", "secret:events!connection/certops-acm-awx/1-AbCdEf"),
        {},
        ALLOWED,
    ),
    (
        "deployer of a member",
        "iam:CreateRole",
        ROLE.replace(ACCOUNT, OTHER),
        {"iam:PermissionsBoundary": BOUNDARY.replace(ACCOUNT, OTHER)},
        ALLOWED,
    ),
    # What would make the deployer an administrator
    ("deployer", "iam:CreateRole", ROLE, {}, DENIED),
    ("deployer", "iam:CreateRole", ROLE, {"iam:PermissionsBoundary": EVERYTHING}, DENIED),
    (
        "deployer",
        "iam:CreateRole",
        ROLE,
        {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/certops-acm-boundary"},
        DENIED,
    ),
    ("deployer", "iam:CreateRole", ELSEWHERE, BOUNDED, DENIED),
    ("deployer", "iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/other/certops-acm/r", BOUNDED, DENIED),
    ("deployer", "iam:PutRolePolicy", ROLE, {}, DENIED),
    ("deployer", "iam:PutRolePolicy", ELSEWHERE, {}, DENIED),
    ("deployer", "iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/certops", BOUNDED, DENIED),
    ("deployer", "iam:DeleteRole", ROLE, {}, DENIED),
    ("deployer", "iam:DeleteRolePolicy", ROLE, {"iam:PermissionsBoundary": EVERYTHING}, DENIED),
    ("deployer", "iam:UpdateRole", ROLE, {}, DENIED),
    ("deployer", "iam:UpdateAssumeRolePolicy", ROLE, {}, DENIED),
    ("deployer", "iam:UpdateAssumeRolePolicy", ADMIN, {}, DENIED),
    ("deployer", "iam:AttachRolePolicy", ROLE, {"iam:PolicyARN": EVERYTHING}, DENIED),
    ("deployer", "iam:AttachRolePolicy", ROLE, {**BOUNDED, "iam:PolicyARN": EVERYTHING}, DENIED),
    ("deployer", "iam:DeleteRolePermissionsBoundary", ROLE, BOUNDED, DENIED),
    ("deployer", "iam:PutRolePermissionsBoundary", ROLE, {"iam:PermissionsBoundary": EVERYTHING}, DENIED),
    ("deployer", "iam:CreatePolicyVersion", BOUNDARY, {}, DENIED),
    ("deployer", "iam:SetDefaultPolicyVersion", BOUNDARY, {}, DENIED),
    ("deployer", "iam:CreatePolicy", f"arn:aws:iam::{ACCOUNT}:policy/certops-acm/mine", {}, DENIED),
    ("deployer", "iam:AttachUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/me", {}, DENIED),
    ("deployer", "iam:PassRole", ROLE, {"iam:PassedToService": "ec2.amazonaws.com"}, DENIED),
    ("deployer", "iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}, DENIED),
    ("deployer", "iam:PassRole", ROLE, {"iam:PassedToService": "cloudformation.amazonaws.com"}, DENIED),
    ("deployer", "iam:PassRole", ROLE, {}, DENIED),
    ("deployer", "iam:PassRole", ADMIN, {"iam:PassedToService": "events.amazonaws.com"}, DENIED),
    ("deployer", "iam:PassRole", ELSEWHERE, {"iam:PassedToService": "events.amazonaws.com"}, DENIED),
    (
        "deployer",
        "iam:CreateServiceLinkedRole",
        f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/x",
        {"iam:AWSServiceName": "ecs.amazonaws.com"},
        DENIED,
    ),
    ("deployer", "sts:AssumeRole", ADMIN, {}, DENIED),
    ("deployer", "cloudformation:UpdateStack", stack("certops-acm-access"), {}, DENIED),
    ("deployer", "cloudformation:DeleteStack", stack("certops-acm-access"), {}, DENIED),
    ("deployer", "cloudformation:CreateStack", stack("certops-acm-mine"), {}, DENIED),
    ("deployer", "cloudformation:CreateStack", stack("certops-acm"), {"cloudformation:RoleArn": ADMIN}, DENIED),
    ("deployer", "cloudformation:CreateChangeSet", stack("certops-acm"), {"cloudformation:RoleArn": ADMIN}, DENIED),
    ("deployer", "cloudformation:DeleteStack", stack("certops-acm"), {"cloudformation:RoleArn": ADMIN}, DENIED),
    ("deployer", "lambda:CreateFunction", regional("lambda", "function:certops-acm-x"), {}, DENIED),
    # Rules and alarms act on nothing but what the stacks make
    (
        "deployer",
        "events:PutTargets",
        events("rule/certops-acm-renewals"),
        {"events:TargetArn": [events("api-destination/certops-acm-awx/1")]},
        ALLOWED,
    ),
    (
        "deployer",
        "events:PutTargets",
        events("rule/certops-acm-renewals"),
        {"events:TargetArn": [regional("sqs", "certops-acm-Queue-1A")]},
        ALLOWED,
    ),
    (
        "deployer",
        "events:PutTargets",
        events("rule/certops-acm-renewals"),
        {"events:TargetArn": [regional("lambda", "function:f")]},
        DENIED,
    ),
    (
        "deployer",
        "events:PutTargets",
        events("rule/certops-acm-renewals"),
        {"events:TargetArn": [regional("sqs", "certops-acm-Queue-1A"), regional("ssm", "document/d")]},
        DENIED,
    ),
    ("deployer", "events:PutTargets", events("rule/certops-acm-renewals"), {"events:TargetArn": [FOREIGN_BUS]}, DENIED),
    (
        "deployer of a member",
        "events:PutTargets",
        events("rule/certops-acm-member-forward").replace(ACCOUNT, OTHER),
        {"events:TargetArn": [HUB]},
        ALLOWED,
    ),
    (
        "deployer",
        "events:PutTargets",
        events("rule/another"),
        {"events:TargetArn": [regional("sqs", "certops-acm-Queue-1A")]},
        DENIED,
    ),
    ("deployer", "events:DeleteRule", events("rule/another"), {}, DENIED),
    ("deployer", "events:UpdateConnection", events("connection/another/1"), {}, DENIED),
    (
        "deployer",
        "cloudwatch:PutMetricAlarm",
        regional("cloudwatch", "alarm:certops-acm-DeadLetterAlarm-1A"),
        {"cloudwatch:AlarmActions": [regional("sns", "certops-acm-AlertTopic-1A")]},
        ALLOWED,
    ),
    (
        "deployer",
        "cloudwatch:PutMetricAlarm",
        regional("cloudwatch", "alarm:certops-acm-DeadLetterAlarm-1A"),
        {"cloudwatch:AlarmActions": [f"arn:aws:automate:{REGION}:ec2:terminate"]},
        DENIED,
    ),
    # Secrets and keys of others
    ("deployer", "secretsmanager:GetSecretValue", SECRET, {}, DENIED),
    (
        "deployer",
        "secretsmanager:GetSecretValue",
        regional("secretsmanager", "secret:events!connection/another/1-AbCdEf"),
        {},
        DENIED,
    ),
    ("deployer", "kms:Decrypt", KEY, {}, DENIED),
    ("deployer", "acm:ExportCertificate", CERTIFICATE, {}, DENIED),
    ("deployer", "dynamodb:PutItem", TABLE, {}, DENIED),
    # In a member there is no hub
    ("deployer of a member", "events:PutPermission", "*", {}, DENIED),
    (
        "deployer of a member",
        "events:CreateConnection",
        events("connection/certops-acm-awx/1").replace(ACCOUNT, OTHER),
        {},
        DENIED,
    ),
    # The denials hold against what another policy allows
    ("deployer with iam:* besides", "iam:CreateRole", ROLE, {}, DENIED),
    ("deployer with iam:* besides", "iam:CreateRole", ROLE, BOUNDED, ALLOWED),
    ("deployer with iam:* besides", "iam:DeleteRolePermissionsBoundary", ROLE, BOUNDED, DENIED),
    ("deployer with iam:* besides", "iam:PutRolePermissionsBoundary", ROLE, {"iam:PermissionsBoundary": KEY}, DENIED),
    ("deployer with iam:* besides", "iam:AttachRolePolicy", ROLE, {"iam:PolicyARN": KEY}, DENIED),
    ("deployer with iam:* besides", "iam:CreatePolicyVersion", BOUNDARY, {}, DENIED),
    ("deployer with iam:* besides", "iam:SetDefaultPolicyVersion", BOUNDARY, {}, DENIED),
    ("deployer with iam:* besides", "iam:DeletePolicyVersion", BOUNDARY, {}, DENIED),
    ("deployer with iam:* besides", "iam:DeletePolicy", BOUNDARY, {}, DENIED),
    # A role that a deployer made
    ("bounded role", "events:InvokeApiDestination", events("api-destination/certops-acm-awx/1"), {}, ALLOWED),
    ("bounded role", "events:PutEvents", HUB, {"events:source": ["aws.acm"]}, ALLOWED),
    ("bounded role", "events:PutEvents", HUB, {"events:source": ["aws.acm", "com.example"]}, DENIED),
    ("bounded role", "events:PutEvents", HUB, {"events:source": ["certops.acm"]}, DENIED),
    ("bounded role of a member", "events:PutEvents", FOREIGN_BUS, {"events:source": ["aws.acm"]}, DENIED),
    ("bounded role", "events:InvokeApiDestination", events("api-destination/another/1"), {}, DENIED),
    ("bounded role", "iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/me", {}, DENIED),
    ("bounded role", "iam:DeleteRolePermissionsBoundary", ROLE, BOUNDED, DENIED),
    ("bounded role", "sts:AssumeRole", f"arn:aws:iam::{OTHER}:role/certops", {}, DENIED),
    ("bounded role", "acm:ExportCertificate", CERTIFICATE, {}, DENIED),
    ("bounded role", "secretsmanager:GetSecretValue", SECRET, {}, DENIED),
    ("bounded role", "kms:Decrypt", KEY, {}, DENIED),
    ("bounded role", "s3:GetObject", "arn:aws:s3:::bucket/key", {}, DENIED),
    # Certificates, by name and tag
    (
        "controller",
        "acm:ExportCertificate",
        CERTIFICATE,
        {"aws:ResourceTag/Team": "web", "acm:DomainNames": ["www.example.com", "example.com"]},
        ALLOWED,
    ),
    (
        "controller",
        "acm:ExportCertificate",
        CERTIFICATE,
        {"aws:ResourceTag/Team": "db", "acm:DomainNames": ["www.example.com"]},
        DENIED,
    ),
    ("controller", "acm:ExportCertificate", CERTIFICATE, {"acm:DomainNames": ["www.example.com"]}, DENIED),
    (
        "controller",
        "acm:ExportCertificate",
        CERTIFICATE,
        {"aws:ResourceTag/Team": "web", "acm:DomainNames": ["www.example.com", "example.net"]},
        DENIED,
    ),
    ("controller", "acm:ExportCertificate", CERTIFICATE, {"aws:ResourceTag/Team": "web"}, DENIED),
    ("controller", "acm:ListCertificates", "*", {}, ALLOWED),
    ("controller", "acm:DeleteCertificate", CERTIFICATE, {}, DENIED),
    # Passphrases: born with the tag of their hosts
    (
        "controller",
        "secretsmanager:CreateSecret",
        SECRET,
        {"aws:RequestTag/Role": "web", "aws:TagKeys": ["Role"]},
        ALLOWED,
    ),
    ("controller", "secretsmanager:CreateSecret", SECRET, {}, DENIED),
    (
        "controller",
        "secretsmanager:CreateSecret",
        SECRET,
        {"aws:RequestTag/Team": "web", "aws:TagKeys": ["Team"]},
        DENIED,
    ),
    (
        "controller",
        "secretsmanager:CreateSecret",
        SECRET,
        {"aws:RequestTag/Role": "db", "aws:TagKeys": ["Role"]},
        DENIED,
    ),
    (
        "controller",
        "secretsmanager:CreateSecret",
        SECRET.replace("certops/acm", "mine"),
        {"aws:RequestTag/Role": "web"},
        DENIED,
    ),
    ("controller", "secretsmanager:TagResource", SECRET, {"aws:RequestTag/Role": "web"}, ALLOWED),
    (
        "controller",
        "secretsmanager:TagResource",
        SECRET,
        {"aws:RequestTag/Team": "a", "aws:ResourceTag/Role": "web"},
        ALLOWED,
    ),
    (
        "controller",
        "secretsmanager:TagResource",
        SECRET,
        {"aws:RequestTag/Role": "db", "aws:ResourceTag/Role": "web"},
        DENIED,
    ),
    (
        "controller",
        "secretsmanager:TagResource",
        SECRET,
        {"aws:RequestTag/Role": "web", "aws:ResourceTag/Role": "db"},
        DENIED,
    ),
    ("controller", "secretsmanager:GetSecretValue", SECRET, {"aws:ResourceTag/Role": "web"}, ALLOWED),
    ("controller", "secretsmanager:GetSecretValue", SECRET, {"aws:ResourceTag/Role": "db"}, DENIED),
    ("controller", "secretsmanager:DeleteSecret", SECRET, {"aws:ResourceTag/Role": "web"}, DENIED),
    ("controller", "kms:Decrypt", KEY, {"kms:ViaService": f"secretsmanager.{REGION}.amazonaws.com"}, ALLOWED),
    ("controller", "kms:Decrypt", KEY, {}, DENIED),
    (
        "role certops",
        "secretsmanager:CreateSecret",
        SECRET.replace(ACCOUNT, OTHER),
        {"aws:RequestTag/Role": "web"},
        ALLOWED,
    ),
    ("controller of hosts by Service", "secretsmanager:CreateSecret", SECRET, {"aws:TagKeys": ["Service"]}, ALLOWED),
    (
        "controller of hosts by Service",
        "secretsmanager:CreateSecret",
        SECRET,
        {"aws:TagKeys": ["Team", "Service"]},
        ALLOWED,
    ),
    ("controller of hosts by Service", "secretsmanager:CreateSecret", SECRET, {"aws:TagKeys": ["Team"]}, DENIED),
    ("controller of hosts by Service", "secretsmanager:CreateSecret", SECRET, {}, DENIED),
    ("role certops", "secretsmanager:CreateSecret", SECRET.replace(ACCOUNT, OTHER), {}, DENIED),
    # The inventory, and other accounts
    ("controller", "dynamodb:PutItem", TABLE, {}, ALLOWED),
    ("controller", "dynamodb:UpdateItem", TABLE, {}, ALLOWED),
    ("controller", "dynamodb:ConditionCheckItem", TABLE, {}, ALLOWED),
    ("controller", "dynamodb:Query", f"{TABLE}/index/by_host", {}, ALLOWED),
    ("controller", "dynamodb:DeleteTable", TABLE, {}, DENIED),
    ("controller", "dynamodb:PutItem", TABLE.replace("inventory", "other"), {}, DENIED),
    ("controller", "ec2:DescribeInstances", "*", {}, ALLOWED),
    ("controller", "ec2:CreateTags", regional("ec2", "instance/i-0a1b2c3d4e5f67890"), {}, DENIED),
    ("controller", "iam:CreateRole", ROLE, BOUNDED, DENIED),
    ("role certops, given everything", "acm:DescribeCertificate", CERTIFICATE.replace(ACCOUNT, OTHER), {}, ALLOWED),
    ("role certops, given everything", "ec2:DescribeInstances", "*", {}, DENIED),
    ("role certops, given everything", "iam:CreateUser", f"arn:aws:iam::{OTHER}:user/me", {}, DENIED),
    ("role certops-hosts, given everything", "ec2:DescribeInstances", "*", {}, ALLOWED),
    ("role certops-hosts, given everything", "acm:ExportCertificate", CERTIFICATE.replace(ACCOUNT, OTHER), {}, DENIED),
    ("who makes the table", "dynamodb:CreateTable", TABLE, {}, ALLOWED),
    ("who makes the table", "dynamodb:UpdateTimeToLive", TABLE, {}, DENIED),
    ("who makes the table", "dynamodb:DeleteTable", TABLE, {}, DENIED),
    ("who makes the table", "dynamodb:GetItem", TABLE, {}, DENIED),
    ("who makes the table", "kms:CreateGrant", KEY, {"kms:ViaService": f"dynamodb.{REGION}.amazonaws.com"}, ALLOWED),
    ("who makes the table", "kms:CreateGrant", KEY, {}, DENIED),
    ("who makes the table", "kms:Decrypt", KEY, {"kms:ViaService": f"dynamodb.{REGION}.amazonaws.com"}, DENIED),
    # Whoever changes targets signs them; the controller only checks
    ("who changes targets", "kms:Sign", SIGNING_KEY, SIGNATURE, ALLOWED),
    ("who changes targets", "kms:Sign", SIGNING_KEY, {**SIGNATURE, "kms:MessageType": "DIGEST"}, DENIED),
    ("who changes targets", "kms:Sign", KEY, SIGNATURE, DENIED),
    ("who changes targets", "kms:GetPublicKey", SIGNING_KEY, {}, ALLOWED),
    ("who changes targets", "dynamodb:PutItem", TABLE, {}, DENIED),
    ("controller", "kms:GetPublicKey", SIGNING_KEY, {}, ALLOWED),
    ("controller", "kms:Sign", SIGNING_KEY, SIGNATURE, DENIED),
    ("role certops", "kms:Sign", SIGNING_KEY, SIGNATURE, DENIED),
    ("deployer", "kms:Sign", SIGNING_KEY, SIGNATURE, DENIED),
    # A host reads its own passphrase
    (
        "host",
        "secretsmanager:GetSecretValue",
        SECRET,
        {"aws:ResourceTag/Role": "web", "secretsmanager:VersionStage": "serial-1a"},
        ALLOWED,
    ),
    (
        "host",
        "secretsmanager:GetSecretValue",
        SECRET,
        {"aws:ResourceTag/Role": "db", "secretsmanager:VersionStage": "serial-1a"},
        DENIED,
    ),
    ("host", "secretsmanager:GetSecretValue", SECRET, {"secretsmanager:VersionStage": "serial-1a"}, DENIED),
    (
        "host",
        "secretsmanager:GetSecretValue",
        SECRET,
        {"aws:ResourceTag/Role": "web", "secretsmanager:VersionStage": "AWSCURRENT"},
        DENIED,
    ),
    ("host", "secretsmanager:PutSecretValue", SECRET, {"aws:ResourceTag/Role": "web"}, DENIED),
    (
        "host without the tag",
        "secretsmanager:GetSecretValue",
        SECRET,
        {"aws:ResourceTag/Role": "web", "secretsmanager:VersionStage": "serial-1a"},
        DENIED,
    ),
    # Test events, and nothing else
    (
        "doctor",
        "events:PutEvents",
        HUB,
        {"events:source": ["certops.acm"], "events:detail-type": ["certops.acm Test"]},
        ALLOWED,
    ),
    (
        "doctor",
        "events:PutEvents",
        HUB,
        {"events:source": ["certops.acm"], "events:detail-type": ["ACM Certificate Available"]},
        DENIED,
    ),
    (
        "doctor",
        "events:PutEvents",
        HUB,
        {"events:source": ["certops.acm", "com.example"], "events:detail-type": ["certops.acm Test"]},
        DENIED,
    ),
    ("poller", "sqs:ReceiveMessage", regional("sqs", "certops-acm-Queue-1A"), {}, ALLOWED),
    ("poller", "sqs:ReceiveMessage", regional("sqs", "certops-acm-DeadLetterQueue-1A"), {}, DENIED),
    ("poller", "sqs:SendMessage", regional("sqs", "certops-acm-Queue-1A"), {}, DENIED),
]

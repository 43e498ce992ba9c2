variable "environment" {
  description = "staging or production; part of every name."
  type        = string
  validation {
    condition     = contains(["staging", "production"], var.environment)
    error_message = "There are two environments: staging and production."
  }
}

variable "region" {
  type = string
}

variable "host" {
  description = "The name people type; its certificate is asked for here and proved in your DNS."
  type        = string
}

variable "image" {
  description = "The signed image by its digest, as the release workflow prints it."
  type        = string
  validation {
    condition     = can(regex("@sha256:[0-9a-f]{64}$", var.image))
    error_message = "Name the image by digest: registry/ims@sha256:…"
  }
}

variable "database_class" {
  type = string
}

variable "api_tasks" {
  description = "Fewest and most copies of the API."
  type        = object({ least = number, most = number })
}

variable "alarm_mail" {
  description = "Who is told of alarms and of spending."
  type        = string
}

variable "budget_dollars" {
  description = "What a month may cost; told at 80 % and when the forecast passes it."
  type        = number
}
